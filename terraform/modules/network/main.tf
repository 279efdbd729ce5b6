# Private subnets without a way to the internet: S3 is reached by a gateway endpoint, the rest by
# interface endpoints. A NAT gateway is an option, for stores outside AWS.

data "aws_availability_zones" "available" {
  #checkov:skip=CKV_AWS_394:Subnets keep the zone that they were made in
  count = length(var.availability_zones) == 0 ? 1 : 0
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = (
    length(var.availability_zones) > 0
    ? var.availability_zones
    : slice(data.aws_availability_zones.available[0].names, 0, var.availability_zone_count)
  )
  function_subnet_ids = slice(aws_subnet.private[*].id, 0, var.function_zone_count)
}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr_block
  enable_dns_support   = true
  enable_dns_hostnames = true # private names of the interface endpoints need it

  tags = { Name = var.name_prefix }
}

# Nobody means it, so it lets nothing in or out.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name_prefix}-default-closed" }
}

resource "aws_subnet" "private" {
  count = length(local.zones)

  vpc_id            = aws_vpc.this.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(var.cidr_block, 4, count.index)

  map_public_ip_on_launch = false

  tags = { Name = "${var.name_prefix}-private-${count.index}" }

  lifecycle {
    ignore_changes = [availability_zone] # a region may get another first zone
  }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.this.id

  tags = { Name = "${var.name_prefix}-private" }
}

resource "aws_route_table_association" "private" {
  count = length(local.zones)

  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

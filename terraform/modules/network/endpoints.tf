# How the functions reach AWS. Logs and metrics need no endpoint: Lambda delivers them itself.

data "aws_region" "current" {}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.name}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  policy            = var.s3_endpoint_policy

  tags = { Name = "${var.name_prefix}-s3" }
}

# About 7.30 USD a month each, and zone: so only in the functions' zones.
resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.current.name}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = local.function_subnet_ids
  security_group_ids  = [aws_security_group.endpoints.id]
  policy              = each.value.policy

  tags = { Name = "${var.name_prefix}-${each.key}" }
}

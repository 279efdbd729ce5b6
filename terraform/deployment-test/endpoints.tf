# How this trial's functions reach AWS, and its API: no address of it can be reached from outside.

locals {
  endpoint_policies = merge(module.anonlink.endpoint_policies, {
    execute-api = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = "*"
        Action    = "execute-api:Invoke"
        Resource  = "arn:${local.partition}:execute-api:${var.region}:${local.account}:*"
      }]
    })
  })
}

# Private names are one endpoint's of a network: so one trial at a time on each network.
resource "aws_vpc_endpoint" "this" {
  for_each = toset(["execute-api", "lambda", "states", "sts"])

  vpc_id              = var.network.vpc_id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = var.network.function_subnet_ids
  security_group_ids  = [aws_security_group.endpoints.id]
  policy              = local.endpoint_policies[each.key]

  tags = { Name = "${var.name_prefix}-${each.key}" }
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name_prefix}-endpoints"
  description = "The interface endpoints of one trial: in from the functions only."
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.name_prefix}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "The functions."
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = var.network.function_security_group_id
}

# The functions may open connections to the endpoints; who has a database adds a rule for it.

resource "aws_security_group" "functions" {
  #checkov:skip=CKV2_AWS_5:The functions are made outside this module
  name        = "${var.name_prefix}-functions"
  description = "The Lambda functions: no way in, out to what they use."
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name_prefix}-functions" }
}

resource "aws_vpc_security_group_egress_rule" "functions_s3" {
  security_group_id = aws_security_group.functions.id
  description       = "S3, by the gateway endpoint."
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
}

resource "aws_vpc_security_group_egress_rule" "functions_endpoints" {
  security_group_id            = aws_security_group.functions.id
  description                  = "The interface endpoints."
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.endpoints.id
}

resource "aws_vpc_security_group_egress_rule" "functions_additional" {
  for_each = var.additional_egress

  security_group_id = aws_security_group.functions.id
  description       = "Asked for: ${each.key}."
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr_block
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name_prefix}-endpoints"
  description = "The interface endpoints: in from the functions only."
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name_prefix}-endpoints" }
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id            = aws_security_group.endpoints.id
  description                  = "The functions."
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.functions.id
}

# The stores let in the functions and nobody else.

resource "aws_security_group" "database" {
  count = local.has_database ? 1 : 0

  name        = "${var.name_prefix}-database"
  description = "The database and its proxy: in from the functions only."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name_prefix}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  count = local.has_database ? 1 : 0

  security_group_id            = aws_security_group.database[0].id
  description                  = "The functions."
  ip_protocol                  = "tcp"
  from_port                    = local.postgres_port
  to_port                      = local.postgres_port
  referenced_security_group_id = var.function_security_group_id
}

resource "aws_vpc_security_group_ingress_rule" "proxy" {
  count = local.has_proxy ? 1 : 0

  security_group_id            = aws_security_group.database[0].id
  description                  = "The proxy, to the database."
  ip_protocol                  = "tcp"
  from_port                    = local.postgres_port
  to_port                      = local.postgres_port
  referenced_security_group_id = aws_security_group.database[0].id
}

resource "aws_vpc_security_group_egress_rule" "proxy" {
  count = local.has_proxy ? 1 : 0

  security_group_id            = aws_security_group.database[0].id
  description                  = "The proxy, to the database."
  ip_protocol                  = "tcp"
  from_port                    = local.postgres_port
  to_port                      = local.postgres_port
  referenced_security_group_id = aws_security_group.database[0].id
}

resource "aws_security_group" "cache" {
  count = local.has_cache ? 1 : 0

  name        = "${var.name_prefix}-cache"
  description = "The cache: in from the functions only."
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name_prefix}-cache" }
}

resource "aws_vpc_security_group_ingress_rule" "cache" {
  count = local.has_cache ? 1 : 0

  security_group_id            = aws_security_group.cache[0].id
  description                  = "The functions."
  ip_protocol                  = "tcp"
  from_port                    = local.valkey_port
  to_port                      = local.valkey_port
  referenced_security_group_id = var.function_security_group_id
}

# The other end: the functions' group lets out only what has a rule.
resource "aws_vpc_security_group_egress_rule" "functions_database" {
  count = local.has_database && var.add_function_egress ? 1 : 0

  security_group_id            = var.function_security_group_id
  description                  = "The database."
  ip_protocol                  = "tcp"
  from_port                    = local.postgres_port
  to_port                      = local.postgres_port
  referenced_security_group_id = aws_security_group.database[0].id
}

resource "aws_vpc_security_group_egress_rule" "functions_cache" {
  count = local.has_cache && var.add_function_egress ? 1 : 0

  security_group_id            = var.function_security_group_id
  description                  = "The cache."
  ip_protocol                  = "tcp"
  from_port                    = local.valkey_port
  to_port                      = local.valkey_port
  referenced_security_group_id = aws_security_group.cache[0].id
}

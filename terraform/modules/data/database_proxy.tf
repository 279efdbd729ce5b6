# Shares the database's connections among many functions. It refuses options at the start of a session, and
# reserves a connection for a session that sets any: the functions do neither, and migrate gives the role
# its limits. Its certificate is one of Amazon's roots, not of RDS.

resource "aws_db_proxy" "this" {
  count = local.has_proxy ? 1 : 0

  name                   = var.name_prefix
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy[0].arn
  require_tls            = true
  vpc_subnet_ids         = var.subnet_ids
  vpc_security_group_ids = [aws_security_group.database[0].id]

  auth {
    auth_scheme               = "SECRETS"
    iam_auth                  = "DISABLED"
    client_password_auth_type = "POSTGRES_SCRAM_SHA_256"
    secret_arn                = local.database_secret_arn
  }
}

resource "aws_db_proxy_default_target_group" "this" {
  count = local.has_proxy ? 1 : 0

  db_proxy_name = aws_db_proxy.this[0].name

  connection_pool_config {
    max_connections_percent   = 90
    connection_borrow_timeout = 5 # as long as the functions wait for a connection
  }
}

resource "aws_db_proxy_target" "this" {
  count = local.has_proxy ? 1 : 0

  db_proxy_name          = aws_db_proxy.this[0].name
  target_group_name      = aws_db_proxy_default_target_group.this[0].name
  db_instance_identifier = aws_db_instance.this[0].identifier
}

resource "aws_iam_role" "proxy" {
  count = local.has_proxy ? 1 : 0

  name = "${var.name_prefix}-database-proxy"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "proxy" {
  count = local.has_proxy ? 1 : 0

  name = "own"
  role = aws_iam_role.proxy[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue"]
        Resource = [local.database_secret_arn]
      }],
      [for key in compact([var.kms_key_arn]) : {
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = [key]
        Condition = { StringLike = { "kms:ViaService" = "secretsmanager.*.amazonaws.com" } }
      }],
    )
  })
}

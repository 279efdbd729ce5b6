resource "aws_db_subnet_group" "this" {
  count = local.has_database ? 1 : 0

  name        = var.name_prefix
  description = "Private subnets for the database."
  subnet_ids  = var.subnet_ids
}

# Statements aren't logged, nor are those that fail, or what about them failed: they hold ids, hashes of tokens
# and clients' own words.
resource "aws_db_parameter_group" "this" {
  count = local.has_database ? 1 : 0

  name        = "${var.name_prefix}-postgres${split(".", var.database.engine_version)[0]}"
  family      = "postgres${split(".", var.database.engine_version)[0]}"
  description = "TLS only." # another would make another group, of the same name

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
  parameter {
    name  = "log_min_error_statement"
    value = "panic" # from which on an error is logged with its statement
  }
  parameter {
    name  = "log_error_verbosity"
    value = "terse" # without DETAIL: the row that a constraint refused
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_db_instance" "this" {
  #checkov:skip=CKV_AWS_157:multi_az is the size's choice
  #checkov:skip=CKV_AWS_161:The functions connect by password
  #checkov:skip=CKV_AWS_118:CloudWatch's own metrics do for a database that only keeps the books
  #checkov:skip=CKV_AWS_353:As above
  #checkov:skip=CKV_AWS_293:deletion_protection is on unless a test stage says otherwise
  #checkov:skip=CKV2_AWS_30:Statements hold hashes of tokens and clients' words
  #checkov:skip=CKV_AWS_133:backup_days is at least 1, which the check cannot follow
  #checkov:skip=CKV2_AWS_60:Tags are copied to snapshots
  count = local.has_database ? 1 : 0

  identifier     = var.name_prefix
  engine         = "postgres"
  engine_version = var.database.engine_version
  instance_class = var.database.instance_class
  multi_az       = var.database.multi_az

  db_name             = var.database.name
  username            = var.database.user
  password_wo         = local.database_password
  password_wo_version = var.password_managed ? null : var.password_version
  port                = local.postgres_port

  manage_master_user_password   = var.password_managed ? true : null
  master_user_secret_kms_key_id = var.password_managed ? var.kms_key_arn : null

  storage_type          = "gp3"
  allocated_storage     = var.database.storage_gb
  max_allocated_storage = var.database.max_storage_gb
  storage_encrypted     = true
  kms_key_id            = var.kms_key_arn

  db_subnet_group_name   = aws_db_subnet_group.this[0].name
  vpc_security_group_ids = [aws_security_group.database[0].id]
  parameter_group_name   = aws_db_parameter_group.this[0].name
  publicly_accessible    = false

  backup_retention_period    = var.database.backup_days
  copy_tags_to_snapshot      = true
  auto_minor_version_upgrade = true
  apply_immediately          = var.apply_immediately

  # Upgrade messages and errors' own words; no statements.
  enabled_cloudwatch_logs_exports = ["postgresql", "upgrade"]

  deletion_protection       = var.deletion_protection
  skip_final_snapshot       = !var.deletion_protection
  final_snapshot_identifier = var.deletion_protection ? "${var.name_prefix}-final" : null
  delete_automated_backups  = true # what was deleted must not live on in them

  # RDS would make it, and keep everything for ever.
  depends_on = [aws_cloudwatch_log_group.database]
}

resource "aws_cloudwatch_log_group" "database" {
  #checkov:skip=CKV_AWS_158:kms_key_arn is optional
  #checkov:skip=CKV_AWS_338:log_retention_days is the operator's choice
  for_each = local.has_database ? toset(["postgresql", "upgrade"]) : []

  name              = "/aws/rds/instance/${var.name_prefix}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

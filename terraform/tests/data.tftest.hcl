# Stores that only the functions reach, encrypted on disk and on the way.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix                = "test"
  vpc_id                     = "vpc-1"
  subnet_ids                 = ["subnet-1", "subnet-2"]
  function_security_group_id = "sg-functions"
}

run "the_database_is_private_and_safe" {
  module {
    source = "./modules/data"
  }

  assert {
    condition = alltrue([
      aws_db_instance.this[0].publicly_accessible == false,
      aws_db_instance.this[0].storage_encrypted,
      aws_db_instance.this[0].deletion_protection,
      aws_db_instance.this[0].skip_final_snapshot == false,
      aws_db_instance.this[0].backup_retention_period == 7,
    ])
    error_message = "Private, encrypted, backed up, and not destroyed by mistake."
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.this[0].parameter : parameter.name => parameter.value } == { "rds.force_ssl" = "1", log_min_error_statement = "panic", log_error_verbosity = "terse" } && aws_db_parameter_group.this[0].family == "postgres17"
    error_message = "Connections must be encrypted, and no statement with its values may be logged."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.database[0].referenced_security_group_id == "sg-functions" && aws_vpc_security_group_ingress_rule.database[0].cidr_ipv4 == null
    error_message = "Only the functions get in."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.functions_database[0].security_group_id == "sg-functions" && aws_vpc_security_group_egress_rule.functions_cache[0].from_port == 6379
    error_message = "The functions may get out to the stores."
  }

  assert {
    condition     = nonsensitive(output.database_password) == "madeBySecretsManager0123456789" && aws_db_instance.this[0].password == null
    error_message = "The password is the secret's, and not in the database's own state."
  }
}

run "the_cache_is_private_and_forgets" {
  module {
    source = "./modules/data"
  }

  assert {
    condition = alltrue([
      aws_elasticache_replication_group.this[0].engine == "valkey",
      aws_elasticache_replication_group.this[0].transit_encryption_enabled,
      aws_elasticache_replication_group.this[0].transit_encryption_mode == "required",
      tobool(aws_elasticache_replication_group.this[0].at_rest_encryption_enabled),
      length(nonsensitive(aws_elasticache_replication_group.this[0].auth_token)) >= 16,
    ])
    error_message = "TLS, encryption and AUTH."
  }

  assert {
    condition     = aws_elasticache_replication_group.this[0].snapshot_retention_limit == 0
    error_message = "A snapshot would keep encodings that were deleted."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.cache[0].referenced_security_group_id == "sg-functions" && aws_vpc_security_group_ingress_rule.cache[0].cidr_ipv4 == null
    error_message = "Only the functions get in."
  }

  assert {
    condition     = one(output.cache_node_ids) == "test-001"
    error_message = "The node's metrics are found by ElastiCache's name for it."
  }
}

run "a_proxy_is_an_option" {
  module {
    source = "./modules/data"
  }

  variables {
    database = { proxy_enabled = true }
  }

  assert {
    condition     = aws_db_proxy.this[0].require_tls && output.database.host == aws_db_proxy.this[0].endpoint
    error_message = "Clients are sent to the proxy, by TLS."
  }

  assert {
    condition     = jsondecode(aws_iam_role_policy.proxy[0].policy).Statement[0].Resource == [output.database_secret_arn]
    error_message = "The proxy reads the database's secret and no other."
  }
}

run "a_password_that_rds_manages" {
  module {
    source = "./modules/data"
  }

  variables {
    password_managed = true
    database         = { proxy_enabled = true }
  }

  assert {
    condition     = aws_db_instance.this[0].manage_master_user_password && length(module.database_secret) == 0 && output.database_password == null
    error_message = "There is no other."
  }

  assert {
    condition     = output.database_secret_arn == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-mocked-abcdef" && jsondecode(aws_iam_role_policy.proxy[0].policy).Statement[0].Resource == [output.database_secret_arn]
    error_message = "The proxy reads it, too."
  }
}

run "replicas_fail_over" {
  module {
    source = "./modules/data"
  }

  variables {
    cache    = { replicas = 1 }
    database = { multi_az = true }
  }

  assert {
    condition     = aws_elasticache_replication_group.this[0].num_cache_clusters == 2 && aws_elasticache_replication_group.this[0].automatic_failover_enabled && aws_elasticache_replication_group.this[0].multi_az_enabled && aws_db_instance.this[0].multi_az
    error_message = "A replica takes over."
  }
}

run "a_test_stage_leaves_nothing" {
  module {
    source = "./modules/data"
  }

  variables {
    deletion_protection = false
    apply_immediately   = true
  }

  assert {
    condition     = aws_db_instance.this[0].deletion_protection == false && aws_db_instance.this[0].skip_final_snapshot && aws_db_instance.this[0].apply_immediately
    error_message = "It can be destroyed."
  }
}

run "nothing_is_made_for_external_stores" {
  module {
    source = "./modules/data"
  }

  variables {
    database = null
    cache    = null
  }

  assert {
    condition     = length(aws_db_instance.this) + length(aws_elasticache_replication_group.this) + length(module.database_secret) + length(module.cache_secret) + length(aws_security_group.database) + length(aws_security_group.cache) == 0
    error_message = "There is nothing to make."
  }

  assert {
    condition     = output.database == null && output.cache == null && length(output.cache_node_ids) == 0
    error_message = "There is nothing to tell."
  }
}

run "nonsense_is_refused" {
  command = plan

  module {
    source = "./modules/data"
  }

  variables {
    database = { backup_days = 0, storage_gb = 5, engine_version = "12", name = "Name; drop" }
    cache    = { replicas = 9 }
  }

  expect_failures = [var.database, var.cache]
}

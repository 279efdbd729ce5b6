# Stores and networks of one's own.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix  = "test"
  package_path = "./tests/package.txt"
  layer_paths  = { base = "./tests/package.txt", linking = "./tests/package.txt" }
}

run "external_stores" {
  variables {
    external_database          = { host = "db.example", name = "linkage", user = "linker", sslmode = "verify-full" }
    external_database_password = "a: [password] #that {YAML} would misread"
    external_cache             = { host = "redis.example", port = 6390 }
    external_cache_password    = "another"
    existing_buckets           = { data = "our-data", uploads = "our-uploads" }
  }

  assert {
    condition     = length(module.data) == 0 && length(module.storage) == 0
    error_message = "Nothing is made."
  }

  assert {
    condition = alltrue([
      local.environment.DATABASE_HOST == "db.example", local.environment.DATABASE_PORT == "5432",
      local.environment.DATABASE_NAME == "linkage", local.environment.DATABASE_SSLMODE == "verify-full",
      local.environment.REDIS_HOST == "redis.example", local.environment.REDIS_PORT == "6390", local.environment.REDIS_TLS == "true",
      local.environment.DATA_BUCKET == "our-data", local.environment.UPLOAD_BUCKET == "our-uploads",
    ])
    error_message = "The functions are told where they are."
  }

  assert {
    condition     = nonsensitive(local.secret_environment.DATABASE_PASSWORD) == "a: [password] #that {YAML} would misread"
    error_message = "A password arrives as it is."
  }

  assert {
    condition     = strcontains(output.permissions["compare"], "arn:aws:s3:::our-data/projects/*/runs/*") && strcontains(output.permissions["link-states"], "arn:aws:s3:::our-data/projects/*/runs/*/manifest.jsonl")
    error_message = "Permissions are for these buckets."
  }
}

run "a_network_that_stays" {
  variables {
    existing_network = {
      vpc_id                     = "vpc-1"
      function_subnet_ids        = ["subnet-1"]
      store_subnet_ids           = ["subnet-1", "subnet-2"]
      function_security_group_id = "sg-1"
    }
  }

  assert {
    condition     = length(module.network) == 0 && jsonencode(local.vpc_config) == jsonencode({ subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }) && output.vpc_id == "vpc-1"
    error_message = "Functions are in the network that they are given."
  }
}

run "no_network" {
  variables {
    create_network    = false
    external_database = { host = "db.example", name = "linkage", user = "linker" }
    external_cache    = { host = "redis.example" }
  }

  assert {
    condition     = length(module.network) == 0 && local.vpc_config == null && output.vpc_id == null && !strcontains(output.permissions["api"], "ec2:")
    error_message = "Outside a VPC nobody needs one."
  }
}

run "stores_of_ours_need_a_network" {
  command = plan

  variables {
    create_network = false
  }

  expect_failures = [var.create_network]
}

run "data_providers_buckets_can_be_read" {
  variables {
    data_provider_bucket_arns = ["arn:aws:s3:::party-bucket"]
  }

  assert {
    condition     = local.s3_endpoint_statements[1] == { Effect = "Allow", Principal = "*", Action = ["s3:GetObject", "s3:GetBucketLocation"], Resource = ["arn:aws:s3:::party-bucket", "arn:aws:s3:::party-bucket/*"] }
    error_message = "Read, and no more."
  }
}

run "a_migration_runs_when_there_is_a_new_one" {
  assert {
    condition     = aws_lambda_invocation.migrate.function_name == "test-migrate" && aws_lambda_invocation.migrate.triggers.migrations == local.migrations_hash && length(local.migrations_hash) == 64
    error_message = "The migrations' hash calls it."
  }
}

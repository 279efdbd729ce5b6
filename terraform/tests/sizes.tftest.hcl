# What a size means, and what is refused.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  name_prefix  = "test"
  package_path = "./tests/package.txt"
  layer_paths  = { base = "./tests/package.txt", linking = "./tests/package.txt" }
}

run "the_default_fits_a_new_account" {
  assert {
    condition     = max([for function in values(local.functions) : function.memory_mb]...) <= 3008
    error_message = "A new account refuses functions of more than 3,008 MB."
  }

  assert {
    condition     = alltrue([for function in values(local.functions) : try(function.concurrency, null) == null])
    error_message = "A new account has no concurrency to reserve."
  }

  assert {
    condition     = jsondecode(module.workflow.definitions["link"]).States.Compare.MaxConcurrency == 5
    error_message = "A run must leave some of a new account's ten functions to the API."
  }

  assert {
    condition     = local.environment.COMPARE_CONCURRENCY == "5" && local.environment.COMPARE_MEMORY_MB == "3008"
    error_message = "Chunks must be cut for the functions that there are."
  }

  assert {
    condition     = length(module.network[0].function_subnet_ids) == 1 && length(module.network[0].private_subnet_ids) == 2
    error_message = "Functions are in one zone; RDS wants subnets in two."
  }

  assert {
    condition     = !local.database.multi_az && local.cache.replicas == 0
    error_message = "small has one of each."
  }
}

run "production_survives_the_loss_of_a_zone" {
  variables {
    size = "production"
  }

  # The mocked account is new.
  expect_failures = [check.concurrency]

  assert {
    condition     = length(module.network[0].function_subnet_ids) == 2 && local.database.multi_az && local.cache.replicas == 1
    error_message = "production has two of each."
  }

  assert {
    condition     = jsondecode(module.workflow.definitions["link"]).States.Compare.MaxConcurrency == 400 && local.functions["compare"].memory_mb == 7076
    error_message = "production compares with 400 functions of 7,076 MB."
  }
}

run "single_values_can_be_set" {
  variables {
    size               = "production"
    compare            = { concurrency = 8 }
    database           = { instance_class = "db.m7g.large" }
    function_overrides = { api = { concurrency = 50 } }
    log_retention_days = 90
  }

  assert {
    condition     = local.compare == { memory_mb = 7076, concurrency = 8 }
    error_message = "What isn't set is the size's."
  }

  assert {
    condition     = local.database.instance_class == "db.m7g.large" && local.database.multi_az
    error_message = "What isn't set is the size's."
  }

  assert {
    condition     = local.functions["api"].concurrency == 50 && local.functions["api"].memory_mb == 1024
    error_message = "What isn't set is the table's."
  }
}

run "upload_credentials_are_offered_where_the_client_can_use_them" {
  assert {
    condition     = local.environment.OFFER_UPLOAD_CREDENTIALS == "false"
    error_message = "The Anonlink client signs for us-east-1 only."
  }
}

run "the_environment_is_the_table_s" {
  variables {
    environment = { RUN_MAX_ATTEMPTS = "5", POWERTOOLS_LOG_LEVEL = "DEBUG" }
  }

  assert {
    condition     = !strcontains(jsonencode(local.environment), "late.") && !can(local.environment.DATABASE_PASSWORD)
    error_message = "Hosts are filled in; passwords are kept apart."
  }

  assert {
    condition     = toset(keys(local.secret_environment)) == toset(["DATABASE_PASSWORD", "REDIS_PASSWORD", "REDIS_SENTINEL_PASSWORD", "OBJECT_STORE_ACCESS_KEY", "OBJECT_STORE_SECRET_KEY"])
    error_message = "Passwords go to the functions."
  }

  assert {
    condition     = nonsensitive(local.secret_environment.DATABASE_PASSWORD) == "madeBySecretsManager0123456789"
    error_message = "The functions get the password that the secret has."
  }

  assert {
    condition     = local.environment.RUN_MAX_ATTEMPTS == "5" && local.environment.POWERTOOLS_LOG_LEVEL == "DEBUG"
    error_message = "What is set is added, or wins."
  }
}

run "nonsense_is_refused" {
  command = plan

  variables {
    name_prefix            = "Test_"
    size                   = "huge"
    compare                = { memory_mb = 128, concurrency = 0 }
    log_retention_days     = 31
    api_throttle           = { rate = 0, burst = 0 }
    vpc_cidr_block         = "10.0.0.0/8"
    function_zone_count    = 3
    orphaned_upload_days   = 1
    comparisons_per_second = 0.5
    log_level              = "LOUD"
    function_overrides     = { compare = { memory_mb = 3008 } }
  }

  expect_failures = [
    var.name_prefix, var.size, var.compare, var.log_retention_days, var.api_throttle, var.vpc_cidr_block,
    var.function_zone_count, var.orphaned_upload_days, var.comparisons_per_second, var.log_level, var.function_overrides,
  ]
}

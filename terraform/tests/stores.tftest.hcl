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

run "an_object_store_of_one_s_own" {
  variables {
    external_object_store = {
      endpoint        = "http://minio.internal:9000"
      public_endpoint = "https://minio.example"
      data_bucket     = "our-data"
      upload_bucket   = "our-uploads"
    }
    external_object_store_keys = { access_key = "linker", secret_key = "a: [secret] #that {YAML} would misread" }
  }

  assert {
    condition     = module.storage[0].manifest_bucket_name != null && module.storage[0].data_bucket_name == null && module.storage[0].upload_bucket_name == null && output.manifest_bucket_name == "test-manifests-123456789012-eu-west-1"
    error_message = "Only a bucket of manifests is made."
  }

  assert {
    condition = alltrue([
      local.environment.OBJECT_STORE_ENDPOINT == "http://minio.internal:9000",
      local.environment.OBJECT_STORE_PUBLIC_ENDPOINT == "https://minio.example", local.environment.OBJECT_STORE_REGION == "us-east-1",
      local.environment.DATA_BUCKET == "our-data", local.environment.UPLOAD_BUCKET == "our-uploads",
      local.environment.MANIFEST_BUCKET == "test-manifests-123456789012-eu-west-1",
      startswith(local.environment.SIGNER_ROLE_ARN, "arn:aws:iam::000000000000:role/"),
      local.environment.OFFER_UPLOAD_CREDENTIALS == "true",
    ])
    error_message = "The functions are told where it is, and clients of us-east-1 may use it."
  }

  assert {
    condition     = nonsensitive(local.secret_environment.OBJECT_STORE_ACCESS_KEY) == "linker" && nonsensitive(local.secret_environment.OBJECT_STORE_SECRET_KEY) == "a: [secret] #that {YAML} would misread"
    error_message = "Keys arrive as they are, among the secrets."
  }

  assert {
    condition = alltrue(flatten([
      for policy in values(output.permissions) : [
        for s in jsondecode(policy).Statement : [
          for resource in flatten([s.Resource]) : startswith(resource, "arn:aws:s3:::test-manifests-123456789012-eu-west-1")
        ] if anytrue([for action in flatten([s.Action]) : startswith(action, "s3:")])
      ]
    ]))
    error_message = "Nobody may touch anything else in S3."
  }

  assert {
    condition = {
      for name in ["plan", "compare", "merge", "permute", "encrypt_mask", "purge"] : name => flatten([
        for s in jsondecode(output.permissions[name]).Statement : [for action in s.Action : trimprefix(action, "s3:") if startswith(action, "s3:")]
      ])
      } == {
      plan         = ["PutObject", "DeleteObject", "AbortMultipartUpload"]
      compare      = ["GetObject", "ListBucket"]
      merge        = ["PutObject", "DeleteObject", "AbortMultipartUpload"]
      permute      = ["PutObject", "DeleteObject"]
      encrypt_mask = ["GetObject", "ListBucket"]
      purge        = ["ListBucket", "ListBucketMultipartUploads", "DeleteObject", "AbortMultipartUpload"]
    }
    error_message = "Those that need manifests do with them what they must."
  }

  assert {
    condition     = strcontains(output.permissions["link-states"], "arn:aws:s3:::test-manifests-123456789012-eu-west-1/projects/*/runs/*/manifest.jsonl")
    error_message = "Step Functions reads the manifests there."
  }

  assert {
    condition     = !strcontains(jsonencode(output.permissions), "elsewhere") && !strcontains(jsonencode(output.permissions), "sts:") && !contains(keys(output.permissions), "signer")
    error_message = "No role signs, as the store's keys do."
  }

  assert {
    condition     = !contains(keys(output.endpoint_policies), "sts") && local.s3_endpoint_statements[0].Resource == ["arn:aws:s3:::test-manifests-123456789012-eu-west-1", "arn:aws:s3:::test-manifests-123456789012-eu-west-1/*"]
    error_message = "Nothing else of AWS is reached from the network."
  }
}

run "an_object_store_has_one_name_unless_two_are_given" {
  command = plan

  variables {
    external_object_store      = { endpoint = "https://minio.example", region = "eu-central-1", data_bucket = "our-data", upload_bucket = "our-uploads" }
    external_object_store_keys = { access_key = "linker", secret_key = "secret" }
  }

  assert {
    condition     = local.environment.OBJECT_STORE_PUBLIC_ENDPOINT == "https://minio.example" && local.environment.OBJECT_STORE_REGION == "eu-central-1" && local.environment.OFFER_UPLOAD_CREDENTIALS == "false"
    error_message = "Clients use the functions' name, and those of us-east-1 the API."
  }
}

run "in_s3_nothing_is_told_of_another_store" {
  command = plan

  assert {
    condition     = local.environment.OBJECT_STORE_ENDPOINT == "" && local.environment.MANIFEST_BUCKET == local.environment.DATA_BUCKET && nonsensitive(local.secret_environment.OBJECT_STORE_SECRET_KEY) == ""
    error_message = "Manifests are in the data bucket."
  }
}

run "an_object_store_with_a_path_is_refused" {
  command = plan

  variables {
    external_object_store      = { endpoint = "https://example.org/minio", data_bucket = "our-data", upload_bucket = "our-uploads" }
    external_object_store_keys = { access_key = "linker", secret_key = "secret" }
  }

  expect_failures = [var.external_object_store]
}

run "one_bucket_for_clients_and_data_is_refused" {
  command = plan

  variables {
    external_object_store      = { endpoint = "https://minio.example", data_bucket = "ours", upload_bucket = "ours" }
    external_object_store_keys = { access_key = "linker", secret_key = "secret" }
  }

  expect_failures = [var.external_object_store]
}

run "an_object_store_without_keys_is_refused" {
  command = plan

  variables {
    external_object_store = { endpoint = "https://minio.example", data_bucket = "our-data", upload_bucket = "our-uploads" }
  }

  expect_failures = [var.external_object_store]
}

run "two_places_for_the_same_data_are_refused" {
  command = plan

  variables {
    external_object_store      = { endpoint = "https://minio.example", data_bucket = "our-data", upload_bucket = "our-uploads" }
    external_object_store_keys = { access_key = "linker", secret_key = "secret" }
    existing_buckets           = { data = "a", uploads = "b" }
  }

  expect_failures = [var.external_object_store]
}

run "external_stores_that_are_verified" {
  variables {
    external_database = { host = "db.example", name = "linkage", user = "linker", sslmode = "verify-full" }
    external_cache    = { host = "redis.example", ca = "/opt/ca.pem", username = "linker", cluster = true }
  }

  assert {
    condition = alltrue([
      local.environment.DATABASE_SSLMODE == "verify-full", local.environment.DATABASE_SSLROOTCERT == "/opt/ca.pem",
      local.environment.REDIS_CA == "/opt/ca.pem", local.environment.REDIS_USERNAME == "linker", local.environment.REDIS_CLUSTER == "true",
      local.environment.REDIS_SENTINELS == "",
    ])
    error_message = "By the bundle that the layer brings."
  }
}

run "sentinels_instead_of_a_host" {
  variables {
    external_cache                   = { sentinels = ["one.example:26379", "two.example:26379"], sentinel_service = "cache" }
    external_cache_sentinel_password = "a: password"
  }

  assert {
    condition = alltrue([
      local.environment.REDIS_HOST == "", local.environment.REDIS_SENTINELS == "one.example:26379,two.example:26379",
      local.environment.REDIS_SENTINEL_SERVICE == "cache", local.environment.REDIS_CLUSTER == "false",
      nonsensitive(local.secret_environment.REDIS_SENTINEL_PASSWORD) == "a: password",
    ])
    error_message = "They are asked for the master."
  }
}

run "a_cache_that_is_neither" {
  command = plan

  variables {
    external_cache = { host = "redis.example", sentinels = ["one.example"], cluster = true }
  }

  expect_failures = [var.external_cache]
}

run "rds_is_verified" {
  variables {
    database = { sslmode = "verify-full", proxy_enabled = true }
  }

  assert {
    condition     = local.environment.DATABASE_SSLMODE == "verify-full" && local.environment.DATABASE_SSLROOTCERT == "/opt/ca.pem"
    error_message = "By the bundle that the layer brings."
  }
}

run "rds_without_tls" {
  command = plan

  variables {
    database = { sslmode = "disable" }
  }

  expect_failures = [var.database]
}

run "no_password_is_handed_out" {
  variables {
    secrets_at_run_time = true
  }

  assert {
    condition     = nonsensitive(local.secret_environment.DATABASE_PASSWORD) == "" && local.environment.DATABASE_SECRET_ARN == module.data[0].database_secret_arn
    error_message = "The functions are told where it is."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions :
      strcontains(output.permissions[name], "secretsmanager:GetSecretValue") == try(function.uses_database, false)
    ])
    error_message = "Who uses the database reads it, and nobody else."
  }

  assert {
    condition     = !strcontains(output.permissions["compare"], "secretsmanager") && [for s in jsondecode(output.permissions["migrate"]).Statement : s.Resource if try(s.Sid, "") == "DatabaseSecret"] == [[module.data[0].database_secret_arn]]
    error_message = "That secret alone."
  }

  assert {
    condition     = jsondecode(local.endpoint_policies["secretsmanager"]).Statement[0].Resource == ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-*"]
    error_message = "It is reached from the network."
  }
}

run "the_password_is_in_the_environment_by_default" {
  assert {
    condition     = local.environment.DATABASE_SECRET_ARN == "" && !can(local.endpoint_policies["secretsmanager"]) && !strcontains(jsonencode(output.permissions), "secretsmanager")
    error_message = "An endpoint costs."
  }
}

run "a_secret_of_ones_own" {
  variables {
    secrets_at_run_time = true
    external_database = {
      host       = "db.example", name = "linkage", user = "linker"
      secret_arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:theirs-abcdef"
    }
  }

  assert {
    condition = alltrue([
      local.environment.DATABASE_SECRET_ARN == "arn:aws:secretsmanager:eu-west-1:123456789012:secret:theirs-abcdef",
      strcontains(output.permissions["api"], "secret:theirs-abcdef"), !strcontains(output.permissions["api"], "EncryptedDatabaseSecret"),
      jsondecode(local.endpoint_policies["secretsmanager"]).Statement[0].Resource == ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:theirs-abcdef"],
    ])
    error_message = "It is read as it is named."
  }
}

run "a_secret_that_is_not_named" {
  command = plan

  variables {
    secrets_at_run_time = true
    external_database   = { host = "db.example", name = "linkage", user = "linker" }
  }

  expect_failures = [var.secrets_at_run_time]
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

# Nothing public, nothing that outlives its deletion.

mock_provider "aws" {
  source = "./tests/aws"
}

variables {
  data_bucket_name   = "test-data"
  upload_bucket_name = "test-uploads"
}

run "buckets_are_private" {
  module {
    source = "./modules/storage"
  }

  assert {
    condition = alltrue([
      for name in ["data", "uploads"] : alltrue([
        aws_s3_bucket_public_access_block.this[name].block_public_acls,
        aws_s3_bucket_public_access_block.this[name].block_public_policy,
        aws_s3_bucket_public_access_block.this[name].ignore_public_acls,
        aws_s3_bucket_public_access_block.this[name].restrict_public_buckets,
        aws_s3_bucket_ownership_controls.this[name].rule[0].object_ownership == "BucketOwnerEnforced",
      ])
    ])
    error_message = "Neither lists nor policies make anything public."
  }

  assert {
    condition = alltrue(flatten([
      for name in ["data", "uploads"] : [
        for statement in jsondecode(aws_s3_bucket_policy.this[name].policy).Statement : statement.Effect == "Deny"
      ]
    ]))
    error_message = "Bucket policies forbid and never allow."
  }

  assert {
    condition = alltrue([
      for name in ["data", "uploads"] :
      [for s in jsondecode(aws_s3_bucket_policy.this[name].policy).Statement : s.Condition.Bool["aws:SecureTransport"] if s.Sid == "TlsOnly"] == ["false"]
    ])
    error_message = "Requests without TLS are refused."
  }
}

run "only_what_clients_left_expires" {
  module {
    source = "./modules/storage"
  }

  variables {
    orphaned_upload_days = 3
  }

  assert {
    condition     = alltrue([for name in ["data", "uploads"] : aws_s3_bucket_lifecycle_configuration.this[name].rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 2])
    error_message = "Parts of unfinished uploads are removed from both."
  }

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this["data"].rule) == 1
    error_message = "Data of projects doesn't expire."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this["uploads"].rule[1].expiration[0].days == 3
    error_message = "Orphaned uploads are removed."
  }
}

run "browsers_upload_and_are_redirected_to_results" {
  module {
    source = "./modules/storage"
  }

  variables {
    cors_allowed_origins = ["https://linkage.example"]
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this["uploads"].cors_rule).allowed_origins == toset(["https://linkage.example"]) && contains(one(aws_s3_bucket_cors_configuration.this["uploads"].cors_rule).expose_headers, "ETag")
    error_message = "The pages that are named may upload, and see a part's ETag."
  }

  assert {
    condition     = contains(one(aws_s3_bucket_cors_configuration.this["uploads"].cors_rule).allowed_methods, "PUT") && one(aws_s3_bucket_cors_configuration.this["data"].cors_rule).allowed_methods == toset(["GET", "HEAD"])
    error_message = "Browsers write to the upload bucket only."
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.this["data"].cors_rule).allowed_origins == toset(["*"])
    error_message = "Pages that the API redirects come as nobody's."
  }
}

run "no_browsers_if_no_origins" {
  module {
    source = "./modules/storage"
  }

  variables {
    cors_allowed_origins = []
  }

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.this) == 0
    error_message = "No origin, no CORS."
  }
}

run "a_bucket_of_manifests_alone" {
  module {
    source = "./modules/storage"
  }

  variables {
    data_bucket_name     = null
    upload_bucket_name   = null
    manifest_bucket_name = "test-manifests"
  }

  assert {
    condition     = keys(aws_s3_bucket.this) == ["manifests"] && output.manifest_bucket_name == aws_s3_bucket.this["manifests"].id && output.data_bucket_name == null && output.upload_bucket_name == null
    error_message = "Nothing but that bucket."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this["manifests"].block_public_acls,
      aws_s3_bucket_public_access_block.this["manifests"].restrict_public_buckets,
      strcontains(aws_s3_bucket_policy.this["manifests"].policy, "TlsOnly"),
      length(aws_s3_bucket_cors_configuration.this) == 0,
    ])
    error_message = "Private, with TLS only, and not for browsers."
  }

  assert {
    condition     = aws_s3_bucket_lifecycle_configuration.this["manifests"].rule[0].abort_incomplete_multipart_upload[0].days_after_initiation == 2 && aws_s3_bucket_lifecycle_configuration.this["manifests"].rule[1].expiration[0].days == 30
    error_message = "What no run needs any more is removed."
  }
}

run "objects_are_encrypted" {
  module {
    source = "./modules/storage"
  }

  assert {
    condition     = alltrue([for configuration in aws_s3_bucket_server_side_encryption_configuration.this : one(configuration.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "AES256"])
    error_message = "Without a key S3 encrypts with its own."
  }
}

run "with_a_key_of_one_s_own" {
  module {
    source = "./modules/storage"
  }

  variables {
    kms_key_arn = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition = alltrue([
      for configuration in aws_s3_bucket_server_side_encryption_configuration.this :
      one(configuration.rule).apply_server_side_encryption_by_default[0].kms_master_key_id == var.kms_key_arn && one(configuration.rule).bucket_key_enabled
    ])
    error_message = "Objects take the key, by way of a bucket key."
  }
}

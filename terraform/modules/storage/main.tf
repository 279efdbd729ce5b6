# Two buckets: clients write to one of them, by signed URLs or credentials for one path, and never to
# the other. Or only one, for the manifests of runs whose data is in another store. None has versions: what
# is deleted must be gone.

locals {
  buckets = { for role, bucket in {
    data      = { name = var.data_bucket_name, expiry = null }
    uploads   = { name = var.upload_bucket_name, expiry = { id = "orphaned-uploads", days = var.orphaned_upload_days } }
    manifests = { name = var.manifest_bucket_name, expiry = { id = "old-manifests", days = var.manifest_days } }
  } : role => bucket if bucket.name != null }

  # By which methods pages may use which bucket. A page that the API on another host redirects has lost its
  # origin on the way: it asks as "null", as may any page.
  cors = { for role, rule in {
    data    = { methods = ["GET", "HEAD"], origins = ["*"] }
    uploads = { methods = ["PUT", "POST", "GET", "HEAD"], origins = var.cors_allowed_origins }
  } : role => rule if contains(keys(local.buckets), role) && length(var.cors_allowed_origins) > 0 }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_21:With versions a deleted encoding would survive
  #checkov:skip=CKV_AWS_144:A copy in another region would survive a deletion
  #checkov:skip=CKV_AWS_18:access_log_bucket_name is optional
  #checkov:skip=CKV2_AWS_62:Nothing waits for events of the buckets
  #checkov:skip=CKV_AWS_19:All are encrypted below; the check loses sight of them in a filtered for_each
  #checkov:skip=CKV_AWS_145:As above, with kms_key_arn where there is one
  for_each = local.buckets

  bucket        = each.value.name
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = local.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    # One request to KMS for many objects.
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = { for role, bucket in local.buckets : role => bucket if var.tls_only }

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "RecentTlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.this[each.key].arn, "${aws_s3_bucket.this[each.key].arn}/*"]
        Condition = { NumericLessThan = { "s3:TlsVersion" = "1.2" } }
      },
    ]
  })

  # Setting a policy while public ones are being blocked conflicts.
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# The service removes what it no longer needs; these catch what it doesn't know of.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = local.buckets

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    id     = "unfinished-uploads"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = var.unfinished_upload_days
    }
  }

  dynamic "rule" {
    for_each = each.value.expiry[*]

    content {
      id     = rule.value.id
      status = "Enabled"

      filter {}

      expiration {
        days = rule.value.days
      }
    }
  }
}

# Browsers upload, and are redirected to results, by URLs that are signed for one object: the signature is
# what admits them, not where their page came from.
resource "aws_s3_bucket_cors_configuration" "this" {
  for_each = local.cors

  bucket = aws_s3_bucket.this[each.key].id

  cors_rule {
    allowed_methods = each.value.methods
    allowed_origins = each.value.origins
    allowed_headers = ["authorization", "content-type", "content-md5", "x-amz-*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = { for role, bucket in local.buckets : role => bucket if var.access_log_bucket_name != null }

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = var.access_log_bucket_name
  target_prefix = "${each.value.name}/"
}

moved {
  from = aws_s3_bucket_cors_configuration.uploads[0]
  to   = aws_s3_bucket_cors_configuration.this["uploads"]
}

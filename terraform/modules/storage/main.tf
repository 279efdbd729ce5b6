# Two buckets: clients write to one of them, by signed URLs or credentials for one path, and never to
# the other. Neither has versions: what is deleted must be gone.

locals {
  buckets = {
    data    = { name = var.data_bucket_name, orphans_expire = false }
    uploads = { name = var.upload_bucket_name, orphans_expire = true }
  }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_21:With versions a deleted encoding would survive
  #checkov:skip=CKV_AWS_144:A copy in another region would survive a deletion
  #checkov:skip=CKV_AWS_18:access_log_bucket_name is optional
  #checkov:skip=CKV2_AWS_62:Nothing waits for events of the buckets
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
  for_each = var.tls_only ? local.buckets : {}

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
    for_each = each.value.orphans_expire ? ["orphaned-uploads"] : []

    content {
      id     = rule.value
      status = "Enabled"

      filter {}

      expiration {
        days = var.orphaned_upload_days
      }
    }
  }
}

# Browsers upload by URLs that are signed for one object: the signature is what admits them, not
# where their page came from.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  count = length(var.cors_allowed_origins) > 0 ? 1 : 0

  bucket = aws_s3_bucket.this["uploads"].id

  cors_rule {
    allowed_methods = ["PUT", "POST", "GET", "HEAD"]
    allowed_origins = var.cors_allowed_origins
    allowed_headers = ["authorization", "content-type", "content-md5", "x-amz-*"]
    expose_headers  = ["ETag"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.access_log_bucket_name == null ? {} : local.buckets

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = var.access_log_bucket_name
  target_prefix = "${each.value.name}/"
}

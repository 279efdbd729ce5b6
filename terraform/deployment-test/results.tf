# Where the suite leaves what it found. It is fetched before all goes.

locals {
  results_bucket = "${var.name_prefix}-results-${local.account}-${var.region}"
}

resource "aws_s3_bucket" "results" {
  #checkov:skip=CKV_AWS_21:It lives for half an hour
  #checkov:skip=CKV_AWS_144:It lives for half an hour
  #checkov:skip=CKV_AWS_18:It lives for half an hour
  #checkov:skip=CKV_AWS_145:Results hold nothing but made-up data; S3's own key does
  #checkov:skip=CKV2_AWS_61:It lives for half an hour
  #checkov:skip=CKV2_AWS_62:Nothing waits for its events
  bucket        = local.results_bucket
  force_destroy = true
}

resource "aws_s3_bucket_public_access_block" "results" {
  bucket                  = aws_s3_bucket.results.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "results" {
  bucket = aws_s3_bucket.results.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_policy" "results" {
  count = local.is_emulated ? 0 : 1 # the emulator has no TLS

  bucket = aws_s3_bucket.results.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.results.arn, "${aws_s3_bucket.results.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # Setting a policy while public ones are being blocked conflicts.
  depends_on = [aws_s3_bucket_public_access_block.results]
}

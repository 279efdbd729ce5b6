output "data_bucket_name" {
  description = "The data bucket."
  value       = aws_s3_bucket.this["data"].id
}

output "upload_bucket_name" {
  description = "The bucket that clients write to."
  value       = aws_s3_bucket.this["uploads"].id
}

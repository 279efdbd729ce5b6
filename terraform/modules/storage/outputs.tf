output "data_bucket_name" {
  description = "The data bucket; null if there is none."
  value       = try(aws_s3_bucket.this["data"].id, null)
}

output "upload_bucket_name" {
  description = "The bucket that clients write to; null if there is none."
  value       = try(aws_s3_bucket.this["uploads"].id, null)
}

output "manifest_bucket_name" {
  description = "The bucket of manifests alone; null if there is none."
  value       = try(aws_s3_bucket.this["manifests"].id, null)
}

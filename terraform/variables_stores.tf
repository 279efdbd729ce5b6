variable "existing_buckets" {
  description = "Names of a data and an upload bucket that outlive this stack: private, without versions, encrypted by kms_key_arn or by S3. null to make them."
  type        = object({ data = string, uploads = string })
  default     = null
}

variable "external_object_store" {
  description = "A Minio (RELEASE.2024-05-10 or later) or another S3-compatible store of one's own instead of S3: where the functions reach it and where clients do (null for the same), and two private buckets without versions. role_arn is what its STS is asked for; Minio takes any. Only a bucket of manifests is made in S3. null for S3."
  type = object({
    endpoint        = string
    public_endpoint = optional(string)
    region          = optional(string, "us-east-1")
    data_bucket     = string
    upload_bucket   = string
    role_arn        = optional(string, "arn:aws:iam::000000000000:role/anonlink")
  })
  default = null

  validation {
    condition = alltrue([
      for url in compact([try(var.external_object_store.endpoint, null), try(var.external_object_store.public_endpoint, null)]) :
      can(regex("^https?://[^/?#@[:space:]]+$", url))
    ])
    error_message = "external_object_store's endpoints must be http:// or https:// and a host, without a path."
  }

  validation {
    condition     = var.external_object_store == null || try(var.external_object_store.data_bucket != var.external_object_store.upload_bucket, false)
    error_message = "external_object_store must have two buckets: clients write to one of them and never to the other."
  }

  validation {
    condition     = var.external_object_store == null || var.existing_buckets == null
    error_message = "external_object_store and existing_buckets are two places for the same data."
  }

  validation {
    condition     = var.external_object_store == null || var.external_object_store_keys != null
    error_message = "external_object_store needs external_object_store_keys."
  }
}

variable "external_object_store_keys" {
  description = "The keys of a user of it; of Minio a user's own and no access key under it, which can't have temporary credentials."
  type        = object({ access_key = string, secret_key = string })
  default     = null
  sensitive   = true
}

variable "data_bucket_name" {
  description = "Name of the data bucket; null for one with the account and the region in it."
  type        = string
  default     = null
}

variable "upload_bucket_name" {
  description = "Name of the upload bucket; null for one with the account and the region in it."
  type        = string
  default     = null
}

variable "cors_allowed_origins" {
  description = "Origins of web pages that may upload by signed URLs; empty for none, and for no pages that are redirected to results."
  type        = list(string)
  default     = ["*"]
}

variable "orphaned_upload_days" {
  description = "After how many days what lies in the upload bucket is removed."
  type        = number
  default     = 7

  validation {
    condition     = var.orphaned_upload_days >= 2 && floor(var.orphaned_upload_days) == var.orphaned_upload_days
    error_message = "orphaned_upload_days must be at least 2: an upload may take a day."
  }
}

variable "access_log_bucket_name" {
  description = "Existing bucket that gets the buckets' access logs; null for none."
  type        = string
  default     = null
}

variable "tls_only_buckets" {
  description = "Whether the buckets refuse requests without TLS 1.2. false only for an emulator without TLS."
  type        = bool
  default     = true
  nullable    = false
}

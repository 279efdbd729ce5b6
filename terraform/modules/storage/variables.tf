variable "data_bucket_name" {
  description = "Name of the bucket for encodings, candidate pairs and results. Clients never write to it. null for none."
  type        = string
  default     = null

  validation {
    condition     = var.data_bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.data_bucket_name))
    error_message = "data_bucket_name must be 3 to 63 lower-case letters, digits and hyphens; dots break TLS."
  }
}

variable "upload_bucket_name" {
  description = "Name of the bucket that clients write to; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.upload_bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.upload_bucket_name))
    error_message = "upload_bucket_name must be 3 to 63 lower-case letters, digits and hyphens; dots break TLS."
  }
}

variable "manifest_bucket_name" {
  description = "Name of a bucket for manifests and the results of Distributed Maps alone, where the data is in another store; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.manifest_bucket_name == null || can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.manifest_bucket_name))
    error_message = "manifest_bucket_name must be 3 to 63 lower-case letters, digits and hyphens; dots break TLS."
  }
}

variable "manifest_days" {
  description = "After how many days what lies in the bucket of manifests is removed: no run takes so long."
  type        = number
  default     = 30

  validation {
    condition     = var.manifest_days >= 7 && floor(var.manifest_days) == var.manifest_days
    error_message = "manifest_days must be at least 7: a run needs its manifest until all is compared."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects; null for S3's own."
  type        = string
  default     = null
}

variable "tls_only" {
  description = "Whether requests without TLS 1.2 are refused. Only an emulator has a reason to say no."
  type        = bool
  default     = true
}

variable "unfinished_upload_days" {
  description = "After how many days parts of a multipart upload that was never finished are removed."
  type        = number
  default     = 2

  validation {
    condition     = var.unfinished_upload_days >= 2 && floor(var.unfinished_upload_days) == var.unfinished_upload_days
    error_message = "unfinished_upload_days must be at least 2: an upload may take a day."
  }
}

variable "orphaned_upload_days" {
  description = "After how many days what lies in the upload bucket is removed: uploads are ingested and removed within minutes, so it is nobody's any more."
  type        = number
  default     = 7

  validation {
    condition     = var.orphaned_upload_days >= 2 && floor(var.orphaned_upload_days) == var.orphaned_upload_days
    error_message = "orphaned_upload_days must be at least 2: an upload may take a day."
  }
}

variable "cors_allowed_origins" {
  description = "Origins of web pages that may upload by signed URLs, such as https://linkage.example; empty for none, and for no pages that are redirected to results."
  type        = list(string)
  default     = ["*"]
}

variable "access_log_bucket_name" {
  description = "Existing bucket that gets the buckets' access logs; null for none."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Whether terraform destroy removes buckets that aren't empty."
  type        = bool
  default     = false
}

variable "database" {
  description = "The RDS instance; what is null is the size's. proxy_enabled needs functions that connect without startup options."
  type = object({
    instance_class = optional(string)
    engine_version = optional(string)
    name           = optional(string)
    user           = optional(string)
    storage_gb     = optional(number)
    max_storage_gb = optional(number)
    multi_az       = optional(bool)
    backup_days    = optional(number)
    proxy_enabled  = optional(bool)
  })
  default = {}
}

variable "external_database" {
  description = "A Postgres of one's own instead of RDS; the user owns the tables. null for RDS."
  type = object({
    host    = string
    port    = optional(number, 5432)
    name    = string
    user    = string
    sslmode = optional(string, "require")
  })
  default = null

  validation {
    condition     = try(contains(["disable", "require", "verify-ca", "verify-full"], var.external_database.sslmode), var.external_database == null)
    error_message = "external_database.sslmode must be disable, require, verify-ca or verify-full."
  }
}

variable "external_database_password" {
  description = "Its password."
  type        = string
  default     = ""
  sensitive   = true
}

variable "cache" {
  description = "The ElastiCache nodes; what is null is the size's."
  type = object({
    node_type      = optional(string)
    engine_version = optional(string)
    replicas       = optional(number)
  })
  default = {}
}

variable "external_cache" {
  description = "A Redis or Valkey of one's own instead of ElastiCache. null for ElastiCache."
  type = object({
    host = string
    port = optional(number, 6379)
    tls  = optional(bool, true)
  })
  default = null
}

variable "external_cache_password" {
  description = "Its password."
  type        = string
  default     = ""
  sensitive   = true
}

variable "password_version" {
  description = "Raise it to make new passwords for RDS and ElastiCache. Executions that are under way keep the old database password, and fail: wait until there are none."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "password_version must be a whole number from 1."
  }
}

variable "existing_buckets" {
  description = "Names of a data and an upload bucket that outlive this stack: private, without versions, encrypted by kms_key_arn or by S3. null to make them."
  type        = object({ data = string, uploads = string })
  default     = null
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
  description = "Origins of web pages that may upload by signed URLs; empty for none."
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
}

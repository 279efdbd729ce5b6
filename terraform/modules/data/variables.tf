variable "name_prefix" {
  description = "What all names begin with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name_prefix))
    error_message = "name_prefix must be 3 to 20 lower-case letters, digits and hyphens, a letter first."
  }
}

variable "vpc_id" {
  description = "The VPC that the stores are in."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in at least two zones."
  type        = list(string)
}

variable "function_security_group_id" {
  description = "Security group of those who may connect."
  type        = string
}

variable "add_function_egress" {
  description = "Whether that group gets rules to reach the stores; false where it has its own."
  type        = bool
  default     = true
}

variable "database" {
  description = "The Postgres instance; null for none. Storage grows by itself up to max_storage_gb."
  type = object({
    instance_class = optional(string, "db.t4g.micro")
    engine_version = optional(string, "17")
    name           = optional(string, "anonlink")
    user           = optional(string, "anonlink")
    storage_gb     = optional(number, 20)
    max_storage_gb = optional(number, 100)
    multi_az       = optional(bool, false)
    backup_days    = optional(number, 7)
    proxy_enabled  = optional(bool, false)
  })
  default = {}

  validation {
    condition     = try(var.database.backup_days >= 1 && var.database.backup_days <= 35, var.database == null)
    error_message = "database.backup_days must be 1 to 35."
  }
  validation {
    condition     = try(var.database.storage_gb >= 20 && var.database.max_storage_gb >= var.database.storage_gb, var.database == null)
    error_message = "database.storage_gb must be at least 20, and max_storage_gb no less."
  }
  validation {
    condition     = try(tonumber(split(".", var.database.engine_version)[0]) >= 15, var.database == null)
    error_message = "database.engine_version must be 15 or later."
  }
  validation {
    condition     = var.database == null ? true : can(regex("^[a-z][a-z0-9_]{0,62}$", var.database.name)) && can(regex("^[a-z][a-z0-9_]{0,15}$", var.database.user))
    error_message = "database.name and database.user must be lower-case letters, digits and underscores, a letter first."
  }
}

variable "cache" {
  description = "The Valkey node and how many replicas it has; null for none."
  type = object({
    node_type      = optional(string, "cache.t4g.micro")
    engine_version = optional(string, "8.0")
    replicas       = optional(number, 0)
  })
  default = {}

  validation {
    condition     = try(var.cache.replicas >= 0 && var.cache.replicas <= 5, var.cache == null)
    error_message = "cache.replicas must be 0 to 5."
  }
}

variable "password_version" {
  description = "Raise it to make new passwords."
  type        = number
  default     = 1
}

variable "password_managed" {
  description = "Whether RDS makes and rotates the database's password itself, in a secret that is read when connecting."
  type        = bool
  default     = false
}

variable "kms_key_arn" {
  description = "Key that encrypts storage, secrets and logs; null for AWS's own."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether the database can't be destroyed, leaves a last snapshot if it is, and secrets can be restored for 30 days."
  type        = bool
  default     = true
}

variable "apply_immediately" {
  description = "Whether changes are made at once instead of in the maintenance window."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long the database's logs are kept."
  type        = number
  default     = 365
}

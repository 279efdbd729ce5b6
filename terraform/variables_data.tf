# The database, the cache, and their passwords.

variable "database" {
  description = "The RDS instance; what is null is the size's. proxy_enabled shares few connections among many functions (about 22 USD a month). sslmode is require, or verify-full with what make package was given as CA_BUNDLE: RDS's own certificates, and Amazon's roots for a proxy."
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
    sslmode        = optional(string)
  })
  default = {}

  validation {
    condition     = var.database.sslmode == null ? true : contains(["require", "verify-ca", "verify-full"], var.database.sslmode)
    error_message = "database.sslmode must be require, verify-ca or verify-full: RDS takes nobody without TLS."
  }
}

variable "external_database" {
  description = "A Postgres of one's own instead of RDS; the user owns the tables. sslrootcert is a path in the functions, null for what make package was given as CA_BUNDLE. secret_arn is for secrets_at_run_time: JSON with username and password, encrypted by secret_kms_key_arn (null for AWS's own key). null for RDS."
  type = object({
    host    = string
    port    = optional(number, 5432)
    name    = string
    user    = string
    sslmode = optional(string, "require")

    sslrootcert        = optional(string)
    secret_arn         = optional(string)
    secret_kms_key_arn = optional(string)
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

variable "secrets_at_run_time" {
  description = "Whether the functions read the database's password from Secrets Manager when they connect, by an interface endpoint (7.30 USD a month and zone), instead of from their environment. RDS then makes it and rotates it every seven days, and it isn't in the state; an external_database needs a secret_arn."
  type        = bool
  default     = false

  validation {
    condition     = !var.secrets_at_run_time || var.external_database == null || try(var.external_database.secret_arn, null) != null
    error_message = "secrets_at_run_time needs external_database.secret_arn."
  }
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
  description = "A Redis or Valkey of one's own instead of ElastiCache: a server, with cluster any node or the configuration endpoint of a cluster, or instead of a host the Sentinels (host:port) that know the master of sentinel_service. username is an ACL user's; ca is a path in the functions (/opt/ca.pem for what make package was given as CA_BUNDLE), null for the public authorities. null for ElastiCache."
  type = object({
    host             = optional(string, "")
    port             = optional(number, 6379)
    tls              = optional(bool, true)
    ca               = optional(string)
    username         = optional(string, "")
    cluster          = optional(bool, false)
    sentinels        = optional(list(string), [])
    sentinel_service = optional(string, "mymaster")
  })
  default = null

  validation {
    condition     = var.external_cache == null ? true : (var.external_cache.host != "") != (length(var.external_cache.sentinels) > 0)
    error_message = "external_cache must have a host, or sentinels instead."
  }
  validation {
    condition     = var.external_cache == null ? true : !(var.external_cache.cluster && length(var.external_cache.sentinels) > 0)
    error_message = "external_cache is a cluster or has sentinels."
  }
  validation {
    condition     = alltrue([for address in try(var.external_cache.sentinels, []) : can(regex("^[^,[:space:]]+:[0-9]{1,5}$", address))])
    error_message = "external_cache.sentinels must be host:port each."
  }
}

variable "external_cache_password" {
  description = "Its password."
  type        = string
  default     = ""
  sensitive   = true
}

variable "external_cache_sentinel_password" {
  description = "The Sentinels' password."
  type        = string
  default     = ""
  sensitive   = true
}

variable "password_version" {
  description = "Raise it to make new passwords for RDS (without secrets_at_run_time) and ElastiCache. Executions that are under way keep the old database password, and fail: wait until there are none."
  type        = number
  default     = 1

  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "password_version must be a whole number from 1."
  }
}

variable "name_prefix" {
  description = "What all names begin with."
  type        = string
}

variable "function_names" {
  description = "Names of the functions in AWS, by their names in the table; api, compare and reconcile are among them."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["api", "compare", "reconcile"], keys(var.function_names))) == 0
    error_message = "function_names must have api, compare and reconcile."
  }
}

variable "state_machine_arns" {
  description = "ARNs of the state machines, by name."
  type        = map(string)
}

variable "rest_api_name" {
  description = "Name of the REST API."
  type        = string
}

variable "stage_name" {
  description = "Its stage."
  type        = string
}

variable "failures_queue_name" {
  description = "Queue of failed calls; null for none."
  type        = string
  default     = null
}

variable "database_instance_id" {
  description = "Identifier of the RDS instance; null for none."
  type        = string
  default     = null
}

variable "cache_node_ids" {
  description = "Identifiers of the cache's nodes."
  type        = list(string)
  default     = []
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told when an alarm begins or ends. A topic with a key of its own must let cloudwatch.amazonaws.com use it."
  type        = list(string)
  default     = []
}

variable "api_errors_threshold" {
  description = "Answers of 5xx in five minutes from which there is an alarm."
  type        = number
  default     = 5

  validation {
    condition     = var.api_errors_threshold >= 1
    error_message = "api_errors_threshold must be at least 1."
  }
}

variable "ingest_failures_threshold" {
  description = "Refused uploads in five minutes from which there is an alarm."
  type        = number
  default     = 10

  validation {
    condition     = var.ingest_failures_threshold >= 1
    error_message = "ingest_failures_threshold must be at least 1."
  }
}

variable "database_connections_threshold" {
  description = "Connections to the database from which there is an alarm. A db.t4g.micro takes about 80, a db.t4g.medium about 400."
  type        = number
  default     = 60

  validation {
    condition     = var.database_connections_threshold >= 1
    error_message = "database_connections_threshold must be at least 1."
  }
}

variable "name" {
  description = "Name of the secret."
  type        = string
}

variable "description" {
  description = "What it is for."
  type        = string
}

variable "username" {
  description = "Whose password it is."
  type        = string
}

variable "password_version" {
  description = "Raise it to make a new password."
  type        = number
}

variable "kms_key_arn" {
  description = "Key that encrypts it; null for Secrets Manager's own."
  type        = string
  default     = null
}

variable "recovery_window_days" {
  description = "For how many days it can be restored once it is deleted; 0 for none."
  type        = number
}

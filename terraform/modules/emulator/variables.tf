variable "endpoint_url" {
  description = "The emulator, such as http://127.0.0.1:4566; null for AWS itself."
  type        = string
  default     = null
}

variable "name_prefix" {
  description = "What all names begin with."
  type        = string
}

# What the root module is told when it is applied to the embedded stack's emulator instead of AWS: here
# and nowhere else. The stores are the embedded Postgres and Redis, since behind the emulator's RDS,
# ElastiCache and VPC there is nothing.

locals {
  emulated = {
    create_network = false
    create_kms_key = false

    tracing_enabled = false # it has no daemon that takes traces

    # It has no TLS, and all that it holds is at a loopback address.
    tls_only_buckets            = false
    allow_private_object_stores = true

    upload_credentials_seconds = 43200 # no role chaining, which AWS cuts at an hour

    environment   = { AWS_ENDPOINT_URL = var.endpoint_url }
    rest_api_tags = { ms-custom-id = var.name_prefix } # a fixed id
  }

  settings = { for name, value in local.emulated : name => var.endpoint_url == null ? null : value }
}

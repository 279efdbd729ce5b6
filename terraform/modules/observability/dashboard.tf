# The dashboard: a row of charts for each question, three beside each other.

data "aws_region" "current" {}

locals {
  # A chart without charts of its own kind (a store that is somebody else's) is left out.
  rows = [
    for row in local.questions : { question = row.question, charts = [for chart in row.charts : chart if length(chart.metrics) > 0] }
  ]
  heights = [for row in local.rows : 1 + 6 * ceil(length(row.charts) / 3)]

  widgets = flatten([
    for index, row in local.rows : concat(
      [{
        type       = "text"
        x          = 0
        y          = sum(concat([0], slice(local.heights, 0, index)))
        width      = 24
        height     = 1
        properties = { markdown = "## ${row.question}", background = "transparent" }
      }],
      [for place, chart in row.charts : {
        type   = "metric"
        x      = 8 * (place % 3)
        y      = sum(concat([1], slice(local.heights, 0, index))) + 6 * floor(place / 3)
        width  = 8
        height = 6
        properties = {
          title   = chart.title
          stat    = chart.stat
          metrics = chart.metrics
          period  = 300
          view    = "timeSeries"
          region  = data.aws_region.current.name
        }
      }]
    ) if length(row.charts) > 0
  ])
}

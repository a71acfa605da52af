"""One vehicle's twin: predict, measure, recalibrate, versions."""

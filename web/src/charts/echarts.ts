/** The parts of ECharts that charts use, so that the rest is not loaded. */

import { LineChart, ScatterChart } from "echarts/charts";
import { GraphicComponent, GridComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

use([LineChart, ScatterChart, GridComponent, GraphicComponent, LabelLayout, CanvasRenderer]);

export { init, type EChartsType };

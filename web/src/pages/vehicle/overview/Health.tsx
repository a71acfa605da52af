/** Health past, with its interval; what is to come is told on another page. */

import { useMemo } from "react";

import { useUrlState } from "@/app/url";
import { ChartCard } from "@/charts";
import { Failed, Loading, NotKnown } from "@/components/States";
import { Choice } from "@/components/Tabs";
import { number } from "@/format";
import { useHealth, type VehicleDetail } from "../data";
import { healthSpec, type HealthOf } from "./health";

const OPTIONS = [
  { value: "capacity", label: "Capacity" },
  { value: "resistance", label: "Resistance" },
] as const;

export function Health({ vehicle }: { vehicle: VehicleDetail }) {
  const id = vehicle.row.vehicle_id;
  const [of, setOf] = useUrlState<HealthOf>("health", "capacity");
  const query = useHealth(id, true);
  const { data } = query;
  const last = Date.parse(vehicle.row.last_seen_at ?? "") || 0;
  const spec = useMemo(
    () => (data ? healthSpec(data, of, Math.max(last, data.time_ms.at(-1) ?? 0)) : null),
    [data, of, last],
  );
  const capacity = data?.new_capacity_ah;
  return (
    <ChartCard
      title="Health"
      known="estimated"
      unit={
        of === "resistance"
          ? "resistance, times new"
          : capacity
            ? `capacity, % of ${number(capacity)} Ah`
            : "capacity, %"
      }
      spec={spec}
      instead={
        data ? undefined : query.error ? (
          <Failed
            what="The health could not be loaded"
            error={query.error}
            retry={() => void query.refetch()}
          />
        ) : (
          <Loading heights={[200]} />
        )
      }
      empty={<NotKnown why={vehicle.capacity.why_unknown ?? ""} helps={vehicle.capacity.what_helps ?? ""} />}
      actions={<Choice label="Health of" value={of} set={setOf} options={OPTIONS} small />}
    />
  );
}

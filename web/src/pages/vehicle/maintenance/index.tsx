import type { TabProps } from "..";

export default function Page({ vehicle }: TabProps) {
  return <p>{vehicle.row.vehicle_id}</p>;
}

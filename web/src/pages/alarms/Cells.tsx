import { Link } from "react-router";
import { api, useApi } from "@/api/client";
import { useMay } from "@/app/session";
import { signed } from "@/format";
import { palettes } from "@/styles/tokens";
import { useTheme } from "@/app/theme";
import { cellOf, shade } from "./cells";
import styles from "./detail.module.css";

/** The scale reaches at least so far, so that mere noise stays pale. */
const LEAST_MV = 20;

/** All cells of the pack at the moment, small: where the one in question lies, and whether it stands alone. */
export function Cells({ vehicleId, at, subject }: { vehicleId: string; at: string; subject: string }) {
  const enabled = useMay()("vehicle.read");
  const palette = palettes[useTheme()];
  const query = { params: { path: { vehicle_id: vehicleId }, query: { at } } };
  const frame = useApi(
    ["vehicle", vehicleId, "cells", at],
    (signal) => api.GET("/v1/vehicles/{vehicle_id}/cells", { ...query, signal }),
    { enabled, fresh: true },
  );
  const cells = frame.data;
  if (!cells || cells.deviation_mv.length === 0 || cells.at === null) return null;
  const chosen = cellOf(subject);
  const most = Math.max(...cells.deviation_mv.map((mv) => Math.abs(mv ?? 0)), LEAST_MV);
  const worst = chosen === null ? null : cells.deviation_mv[chosen - 1];
  return (
    <section aria-label="Cells against median">
      <p className="support">
        Cells against median, M1 to M{cells.modules}
        {worst == null ? "" : `; cell ${chosen}: ${signed(worst, 0)} mV`}
      </p>
      <Link
        to={`/vehicles/${encodeURIComponent(vehicleId)}/pack?at=${encodeURIComponent(at)}`}
        className={styles.cells}
        style={{
          gridTemplateColumns: `repeat(${cells.modules}, 1fr)`,
          gridTemplateRows: `repeat(${cells.cells_per_module}, 7px)`,
        }}
        aria-label="Open the pack at this moment"
      >
        {cells.deviation_mv.map((mv, index) => (
          <span
            key={index}
            data-chosen={index + 1 === chosen}
            style={{ background: mv == null ? "transparent" : shade(mv / most, palette) }}
          />
        ))}
      </Link>
    </section>
  );
}

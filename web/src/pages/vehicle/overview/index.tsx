/** Overview: the answer, then what the vehicle does, how its health went, its trips and its maintenance. */

import { useMay } from "@/app/session";
import type { TabProps } from "..";
import { Headline } from "./Headline";
import { Health } from "./Health";
import { Live } from "./Live";
import styles from "./overview.module.css";
import { Trips } from "./Trips";
import { Work } from "./Work";

export default function Overview({ vehicle }: TabProps) {
  const may = useMay();
  return (
    <div className={styles.grid}>
      <Headline vehicle={vehicle} />
      <div className={styles.main}>
        {may("telemetry.read") && <Live vehicle={vehicle} />}
        <Health vehicle={vehicle} />
      </div>
      <div className={styles.side}>
        <Trips vehicle={vehicle} />
        {may("maintenance.read") && <Work vehicle={vehicle} />}
      </div>
    </div>
  );
}

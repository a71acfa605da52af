import type { Schemas } from "@/api/client";
import { usePreferences } from "@/app/session";
import { Provenance } from "@/components/marks";
import { utc } from "@/format";
import { figuresOf } from "./frame";
import styles from "./detail.module.css";
import { whenInFull } from "./when";

type Evidence = Schemas["Evidence"];

/** Signals at the moment it was confirmed; for a finding without a freeze frame, what was compared with what. */
export function Figures({ evidence }: { evidence: Evidence | undefined }) {
  const liked = usePreferences();
  if (!evidence) return null;
  const framed = Object.keys(evidence.freeze_frame).length > 0;
  const figures = figuresOf(framed ? evidence.freeze_frame : evidence.figures, liked);
  if (figures.length === 0) return null;
  return (
    <section aria-labelledby="freeze">
      <div className={styles.heading}>
        <h3 id="freeze">{framed ? "Freeze frame" : "What was found"}</h3>
        {framed && <Provenance of="measured" />}
        <time className="support" dateTime={evidence.at} title={utc(evidence.at)}>
          {whenInFull(evidence.at)}
        </time>
      </div>
      <dl className={styles.figures}>
        {figures.map(({ name, text }) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

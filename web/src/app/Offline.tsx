// The service is away: since when; what is shown stays, and actions wait.
import { useConnection } from "@/api/connection";
import styles from "./Offline.module.css";

export function Offline() {
  const { up, since } = useConnection();
  const at =
    since === null ? "" : new Date(since).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return (
    <div role="status">
      {!up && (
        <div className={styles.banner}>
          <svg width="16" height="16" viewBox="0 0 16 16" aria-hidden="true">
            <path
              d="M8 2l6.5 11.5h-13z"
              fill="var(--warn-fill)"
              stroke="var(--warn)"
              strokeLinejoin="round"
            />
            <path d="M8 6.5v3M8 11.6v.2" stroke="var(--warn-soft)" strokeWidth="1.6" strokeLinecap="round" />
          </svg>
          <b>No connection since {at}</b>
          <span className={styles.stays}>
            What is shown is as of then. Actions wait until the connection is back.
          </span>
          <span className={styles.retrying}>retrying</span>
        </div>
      )}
    </div>
  );
}

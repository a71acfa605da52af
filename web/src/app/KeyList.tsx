// The keys that do something now.
import { Dialog } from "@/components/Dialog";
import { Button } from "@/components/Button";
import { useKeyList } from "./keys";
import { usePreferences } from "./session";
import styles from "./KeyList.module.css";

const WRITTEN: Readonly<Record<string, string>> = {
  Escape: "Esc",
  " ": "Space",
  ArrowDown: "↓",
  ArrowUp: "↑",
};

export function KeyList({ close }: { close: () => void }) {
  const keys = useKeyList();
  const { set } = usePreferences();
  return (
    <Dialog title="Keys" close={close}>
      <dl className={styles.keys}>
        {keys.map(([key, does]) => (
          <div key={key}>
            <dt>
              {key.split(/(?<=.) /).map((one) => (
                <kbd key={one}>{WRITTEN[one] ?? (one.length === 1 ? one.toUpperCase() : one)}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div>
        <Button
          small
          onClick={() => {
            set({ keys: false });
            close();
          }}
        >
          Turn single keys off
        </Button>
      </div>
    </Dialog>
  );
}

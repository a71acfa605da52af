import { useState } from "react";
import { useLocation, useNavigate } from "react-router";
import { Dialog } from "@/components/Dialog";
import { Menu } from "@/components/Menu";
import { toast } from "@/components/Toast";
import styles from "./fleet.module.css";

interface View {
  name: string;
  search: string;
}

const KEPT_AS = "twinpack.fleet.views";
const MOST = 20;

function kept(): View[] {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEPT_AS) ?? "[]");
    return Array.isArray(read)
      ? read.filter((one): one is View => typeof one?.name === "string" && typeof one.search === "string")
      : [];
  } catch {
    return [];
  }
}

/** Views of the fleet under a name, kept in this browser; a view is an address. */
export function Views() {
  const { search } = useLocation();
  const navigate = useNavigate();
  const [views, setViews] = useState(kept);
  const [naming, setNaming] = useState(false);
  const put = (next: View[]) => {
    localStorage.setItem(KEPT_AS, JSON.stringify(next));
    setViews(next);
  };
  const now = views.find((view) => view.search === search);
  const save = (name: string) => {
    put([...views.filter((view) => view.name !== name), { name, search }].slice(-MOST));
    setNaming(false);
    toast({ text: `The view “${name}” is kept in this browser`, undo: () => put(views) });
  };
  return (
    <>
      <Menu
        button={now ? now.name : "Views"}
        label={now ? `Views: ${now.name}` : "Views"}
        items={[
          ...views.map((view) => ({
            label: view.name,
            run: () => void navigate({ search: view.search }),
            checked: view === now,
          })),
          now
            ? {
                label: `Forget “${now.name}”`,
                danger: true,
                run: () => put(views.filter((view) => view !== now)),
              }
            : { label: "Save this view…", run: () => setNaming(true) },
        ]}
      />
      {naming ? <NameForm close={() => setNaming(false)} save={save} /> : null}
    </>
  );
}

function NameForm({ close, save }: { close: () => void; save: (name: string) => void }) {
  const [name, setName] = useState("");
  const said = name.trim();
  return (
    <Dialog
      title="Save this view"
      close={close}
      act={{ label: "Save view", run: () => save(said), disabled: said === "" }}
    >
      <p>Fleet, model, filters and order as they are now. The view stays in this browser.</p>
      <label className={styles.field}>
        Name
        <input value={name} maxLength={40} autoFocus onChange={(event) => setName(event.target.value)} />
      </label>
    </Dialog>
  );
}

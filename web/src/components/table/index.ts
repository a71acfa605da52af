export { fitting, sorted, tableCsv, type Column } from "./columns";
export { Table, type TableProps } from "./Table";

"""Cell and pack physics: open-circuit voltage, circuits, heat, ageing, health figures and pack specifications."""

"""The one door of Souk: routes, identity, limits and observation; no business."""

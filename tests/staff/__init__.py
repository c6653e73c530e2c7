"""Who serves each grid."""

"""The loop of an incident: 发现 → 查验 → 解决 → 反馈 → 验收. Pure rules: nothing is stored here."""

ALTER TABLE chats ADD COLUMN refused_since TEXT; -- the messenger takes nothing for it since then

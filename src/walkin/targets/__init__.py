"""One module per target: desktop, offscreen (openxr later). Only cli and api choose one."""

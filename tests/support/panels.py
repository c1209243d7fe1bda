"""Real tray hosts: Xfce's panel (StatusNotifierItem) and trayer (XEmbed)."""

import re

from support.desktop import Desktop, Program, offer_xfconf, tool

_XFCE_PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="plugin-ids" type="array">
        {numbers}
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="systray"/>
    <property name="plugin-2" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
  </property>
</channel>
"""
_NUMBER = '<value type="int" value="{}"/>'


def start_xfce_panel(desktop: Desktop, *, at_the_end: bool = False) -> Program:
    """Xfce's panel with nothing but its tray, which takes icons of both kinds.

    ``at_the_end`` puts the tray where most desktops have it.
    """
    offer_xfconf(desktop)
    folder = desktop.home / ".config/xfce4/xfconf/xfce-perchannel-xml"
    folder.mkdir(parents=True, exist_ok=True)
    numbers = "".join(_NUMBER.format(each) for each in ((2, 1) if at_the_end else (1,)))
    (folder / "xfce4-panel.xml").write_text(_XFCE_PANEL.format(numbers=numbers))
    return desktop.launch(tool("xfce4-panel"), "--disable-wm-check")


def start_trayer(desktop: Desktop) -> Program:
    """A tray of the older kind (XEmbed)."""
    return desktop.launch(
        tool("trayer"), "--edge", "top", "--align", "right", "--width", "10", "--height", "24"
    )


def embedded_windows(desktop: Desktop, name: str) -> list[str]:
    """Windows called ``name`` that lie two levels deep: in a socket in the window of trayer."""
    tree = desktop.output_of(tool("xwininfo"), "-root", "-tree")
    return [line for line in tree.splitlines() if re.match(rf" {{11,}}.*{name}.* 22x22", line)]

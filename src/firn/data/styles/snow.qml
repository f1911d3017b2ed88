<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22" styleCategories="Symbology">
  <pipe>
    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" nodataColor="">
      <colorPalette>
        <paletteEntry value="0" color="#b38b5d" alpha="255" label="ground"/>
        <paletteEntry value="100" color="#56b4e9" alpha="255" label="snow"/>
        <paletteEntry value="205" color="#f2f2f2" alpha="255" label="cloud"/>
        <paletteEntry value="254" color="#000000" alpha="0" label="no data"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
</qgis>

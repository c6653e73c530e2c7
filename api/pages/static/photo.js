// Photos scaled down before they travel: a slow line carries 200 kB, not 8 MB.

const SIDE = 1600;
const BYTES = 300_000;
const QUALITIES = [0.8, 0.65, 0.5, 0.35];

/** Return a JPEG of a picture, small enough; null where the file is none. */
export async function shrink(file) {
  const picture = await decode(file);
  if (!picture) return null;
  let blob;
  for (const quality of QUALITIES) {
    blob = await encode(draw(picture, SIDE), quality);
    if (blob.size <= BYTES) break;
  }
  picture.close();
  return blob;
}

async function decode(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null; // no picture, or of a kind that this browser does not know
  }
}

function draw(picture, side) {
  const scale = Math.min(1, side / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

const encode = (canvas, quality) => new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));

/** Return an address of a picture that this page's policy allows. */
export function readPicture(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}

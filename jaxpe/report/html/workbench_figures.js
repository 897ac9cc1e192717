// Thumbnails: a figure's small picture is unpacked when it comes near the screen.

const thumbs = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) if (isIntersecting) {
    thumbs.unobserve(target);
    if (target.dataset.figure) inflate(target);
  }
}, { rootMargin: "400px" });
for (const image of document.querySelectorAll(".thumb img")) thumbs.observe(image);

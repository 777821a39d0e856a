"""What may be opened: the containers and codecs that cameras write, and no others.

Each entry is attack surface, so the lists are short; the tools hold to them themselves, before any byte is parsed.
"""

from __future__ import annotations

import re

# Demuxers and decoders a body-worn or handheld camera needs. Without the first list an ffconcat or m3u8 text
# named .mp4 would open other files.
FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts"
VIDEO_CODECS = frozenset(
    re.findall(r"\w+", "h264 hevc av1 vp8 vp9 mpeg4 msmpeg4v3 mpeg2video mjpeg h263 prores dvvideo rawvideo")
)
AUDIO_CODECS = frozenset(
    re.findall(
        r"\w+",
        "aac mp3 mp2 ac3 eac3 opus vorbis flac alac amr_nb amr_wb adpcm_ima_wav adpcm_ms pcm_s16le pcm_s16be "
        "pcm_s24le pcm_s24be pcm_s32le pcm_s32be pcm_f32le pcm_f32be pcm_f64le pcm_f64be pcm_s8 pcm_u8 pcm_bluray "
        "pcm_mulaw pcm_alaw",
    )
)
# As ffmpeg wants them: decoders, some of which are not called what their codec is.
DECODERS = (
    VIDEO_CODECS
    | AUDIO_CODECS
    | {"libdav1d", "libvpx-vp9", "msmpeg4", "mp3float", "mp2float", "libopus", "libvorbis", "amrnb", "amrwb"}
)
# What ffprobe may open besides, so that such a track can be named and left out: it ends at the first that it may not.
# Drones write mov_text, camcorders pgssub, recorders sound of these kinds. ffmpeg opens none of them; ffprobe reads
# their headers, and packets where those say too little, inside the same sandbox.
PROBED = DECODERS | frozenset(
    re.findall(
        r"\w+",
        "mov_text text srt subrip ass ssa webvtt cc_dec pgssub dvbsub "
        "aac_latm dca truehd mlp g722 g726 g726le gsm gsm_ms adpcm_ima_qt adpcm_swf adpcm_yamaha dvaudio "
        "speex wmav1 wmav2 wavpack mp1 mp1float s302m pcm_dvd pcm_s16le_planar pcm_u16le",
    )
)

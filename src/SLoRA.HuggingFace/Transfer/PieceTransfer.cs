using System.Buffers;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using SLoRA.HuggingFace.Names;
using SLoRA.HuggingFace.Protocol;

namespace SLoRA.HuggingFace.Transfer;

/// <summary>Fetches one piece of a file, over as many connections as it takes: each goes on where the one before broke.</summary>
internal sealed class PieceTransfer(BlobTransfer transfer, BlobSource source, PartialFile partial, HubOptions options, ByteRange piece)
{
    private const int BufferBytes = 1 << 17;

    private long _at = piece.Start;
    private long _end = piece.End;
    private long _noted = piece.Start;
    private long _farthest = piece.Start;

    /// <summary>Fetches the piece.</summary>
    /// <exception cref="HubException">It cannot be had, or the file's length is another.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        int breaks = 0;
        while (_at < _end)
        {
            long before = _farthest;
            try
            {
                await ReadOnceAsync(cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (HubConnection.IsFailureOfNetwork(error, cancellation))
            {
                cancellation.ThrowIfCancellationRequested();
                breaks = _farthest > before ? 1 : breaks + 1;
                if (breaks > RetryRule.MostBreaks)
                {
                    throw HubConnection.Unreachable(Shown.Name(source.File.Path), error);
                }

                await source.WaitAfterBreakAsync(cancellation).ConfigureAwait(false);
            }
            catch (Exception error) when (error is InvalidDataException or (InvalidOperationException and not ObjectDisposedException))
            {
                // Each of the decoders has its own word for it.
                throw source.WrongLength("what arrived cannot be decoded");
            }
            finally
            {
                Note();
            }
        }
    }

    private async Task ReadOnceAsync(CancellationToken cancellation)
    {
        bool isAll = _at == 0 && _end == partial.Size;
        using HttpResponseMessage response = await source.SendAsync(isAll ? null : (_at, _end - 1), cancellation).ConfigureAwait(false);
        HttpContentHeaders headers = response.Content.Headers;
        if (response.StatusCode == HttpStatusCode.PartialContent)
        {
            CheckPart(headers);
            transfer.TakePieces();
        }
        else
        {
            TakeWhole(headers);
        }

        Stream body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        await using (body.ConfigureAwait(false))
        {
            await CopyAsync(Decoded(body, headers.ContentEncoding), cancellation).ConfigureAwait(false);
        }
    }

    private void CheckPart(HttpContentHeaders headers)
    {
        ContentRangeHeaderValue? range = headers.ContentRange;
        if (range?.Length is { } length && length != partial.Size)
        {
            throw source.WrongLength($"{length} are sent");
        }

        if (headers.ContentEncoding.Count > 0 || range?.From != _at || range.To != _end - 1)
        {
            throw new IOException("the server gave another part of the file than was asked for");
        }
    }

    private void TakeWhole(HttpContentHeaders headers)
    {
        if (headers.ContentEncoding.Count == 0 && headers.ContentLength is { } length && length != partial.Size)
        {
            throw source.WrongLength($"{length} are sent");
        }

        if (!transfer.TryTakeWhole())
        {
            throw new IOException("the server gave a part of the file once, and the whole file another time");
        }

        (_at, _noted, _end) = (0, 0, partial.Size);
    }

    private async Task CopyAsync(Stream body, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(options.ReadTimeout, options.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (true)
            {
                // One byte more than there can be tells a body that is too long.
                int wanted = (int)Math.Min(BufferBytes, _end - _at + 1);
                int read = await body.ReadAsync(buffer.AsMemory(0, wanted), either.Token).ConfigureAwait(false);
                if (read == 0 || read > _end - _at)
                {
                    // A body that breaks throws; this one has ended, or has not where it should.
                    if (_at + read != _end)
                    {
                        throw source.WrongLength(read == 0 ? $"only {_at} arrived" : "more are sent");
                    }

                    return;
                }

                // A disk that is slow is not a server that is silent.
                timeout.CancelAfter(Timeout.InfiniteTimeSpan);
                await WriteAsync(buffer.AsMemory(0, read), cancellation).ConfigureAwait(false);
                timeout.CancelAfter(options.ReadTimeout);
                transfer.Count(read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await DiskFailure.GuardAsync(() => partial.WriteAsync(bytes, _at, cancellation)).ConfigureAwait(false);
        _at += bytes.Length;
        _farthest = Math.Max(_farthest, _at);
        if (_at - _noted >= options.NotedBytes)
        {
            Note();
        }
    }

    private void Note()
    {
        DiskFailure.Guard(() => partial.Note(new ByteRange(_noted, _at)));
        _noted = _at;
    }

    private static Stream Decoded(Stream body, ICollection<string> encodings) => string.Join(',', encodings) switch
    {
        "" or "identity" => body,
        "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress),
        "deflate" => new ZLibStream(body, CompressionMode.Decompress),
        "br" => new BrotliStream(body, CompressionMode.Decompress),
        _ => throw new IOException("the server encodes the file in a way that was not asked for"),
    };
}

using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace SLoRA.Pool;

/// <summary>Hash of a full page: of the hash before it and of the page's tokens.</summary>
internal delegate UInt128 PageHash(UInt128 parent, ReadOnlySpan<int> tokens);

/// <summary>
/// The full pages of one sequence as a hash chain that starts with its origin. Every page is hashed once, whatever becomes of it. Belongs
/// to the engine's thread.
/// </summary>
internal sealed class PrefixChain
{
    private readonly PageHash _hash;
    private readonly int _pageTokens;
    private readonly UInt128[] _hashes;
    private readonly (int Node, long Stamp)[] _nodes;
    private int _hashed;

    /// <summary>An empty chain.</summary>
    /// <param name="origin">Where it starts.</param>
    /// <param name="pageTokens">Tokens of a page.</param>
    /// <param name="pageLimit">The most full pages.</param>
    /// <param name="hash">How pages are hashed.</param>
    public PrefixChain(PrefixOrigin origin, int pageTokens, int pageLimit, PageHash hash)
    {
        Origin = origin;
        _pageTokens = pageTokens;
        _hashes = new UInt128[pageLimit];
        _nodes = new (int, long)[pageLimit];
        _hash = hash;
    }

    /// <summary>What it is computed with.</summary>
    public PrefixOrigin Origin { get; }

    /// <summary>What a page has been computed with: the base model alone, where it ends before the contents take part.</summary>
    public PrefixOrigin OriginOf(int page) =>
        Origin.Before is { } before && (page + 1) * (long)_pageTokens <= Origin.Start ? before : Origin;

    /// <summary>Leading blocks of the sequence that the cache keeps, and whose pages the sequence owns or has let go.</summary>
    public int Kept { get; set; }

    /// <summary>Leading blocks that the cache had when it looked last, whether or not a sequence can go on behind them.</summary>
    public int Matched { get; set; }

    /// <summary>Whether no further page can be kept: another content has this one's hash.</summary>
    public bool IsClosed { get; set; }

    /// <summary>Which node of the cache a block is, and when that node came: a node that is gone leaves its place to others.</summary>
    public ref (int Node, long Stamp) NodeOf(int block) => ref _nodes[block];

    /// <summary>The default: the first half of SHA-256 over parent and tokens.</summary>
    public static UInt128 Sha256(UInt128 parent, ReadOnlySpan<int> tokens)
    {
        Span<byte> input = stackalloc byte[16 + (sizeof(int) * tokens.Length)];
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        MemoryMarshal.Write(input, in parent);
        MemoryMarshal.AsBytes(tokens).CopyTo(input[16..]);
        SHA256.HashData(input, digest);
        return MemoryMarshal.Read<UInt128>(digest);
    }

    /// <summary>The hash of a page.</summary>
    /// <param name="page">Which of the sequence's full pages.</param>
    /// <param name="tokens">The sequence's tokens, at least to the end of that page.</param>
    public UInt128 HashOf(int page, ReadOnlySpan<int> tokens)
    {
        for (; _hashed <= page; _hashed++)
        {
            // Where the contents begin to take part the hash does too.
            UInt128 parent = _hashed == 0 ? OriginOf(0).Hash
                : ReferenceEquals(OriginOf(_hashed), OriginOf(_hashed - 1)) ? _hashes[_hashed - 1]
                : _hashes[_hashed - 1] ^ Origin.Hash;
            _hashes[_hashed] = _hash(parent, tokens.Slice(_hashed * _pageTokens, _pageTokens));
        }

        return _hashes[page];
    }

    /// <summary>The chain of a sequence that has the first <paramref name="pages"/> pages in common with this one.</summary>
    public PrefixChain Fork(int pages)
    {
        var fork = new PrefixChain(Origin, _pageTokens, _hashes.Length, _hash)
        {
            Kept = Math.Min(Kept, pages),
            IsClosed = IsClosed,
            _hashed = Math.Min(_hashed, pages),
        };
        _hashes.AsSpan(0, fork._hashed).CopyTo(fork._hashes);
        _nodes.AsSpan(0, fork.Kept).CopyTo(fork._nodes);
        return fork;
    }
}

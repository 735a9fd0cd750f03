using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Systems;

/// <summary>
/// Memory in two parts, one for adapters and one for keys and values. An adapter needs its place in its part before a request of it runs;
/// there the one used longest ago goes that nobody runs with. A request whose adapter finds no place is passed over; one that finds no room
/// for its keys and values holds back those behind it.
/// </summary>
/// <param name="adapterPages">Pages of the part for adapters.</param>
/// <param name="cachePages">Pages of the part for keys and values.</param>
/// <param name="pagesOf">Pages of an adapter's place.</param>
/// <param name="pagesFor">Pages of a number of tokens.</param>
/// <param name="evicted">Told of the adapter that has lost its place.</param>
internal sealed class RegionGate(
    int adapterPages, int cachePages, Func<int, int> pagesOf, Func<int, int> pagesFor, Action<int> evicted) : IGate
{
    private readonly LinkedList<(int Number, TraceRequest Request)> _waiting = [];
    private readonly Dictionary<int, (int Adapter, int Pages)> _running = [];

    // The one used longest ago first.
    private readonly LinkedList<int> _placed = [];
    private readonly Dictionary<int, int> _users = [];
    private int _adapterPagesLeft = adapterPages;
    private int _cachePagesLeft = cachePages;

    /// <inheritdoc/>
    public void Arrive(int number, TraceRequest request) => _waiting.AddLast((number, request));

    /// <inheritdoc/>
    public int? TryAdmit()
    {
        for (LinkedListNode<(int Number, TraceRequest Request)>? node = _waiting.First; node is not null; node = node.Next)
        {
            (int number, TraceRequest request) = node.Value;

            // The last token is never computed.
            int pages = pagesFor(request.Prompt + request.Output - 1);
            if (pages > _cachePagesLeft)
            {
                return null;
            }

            if (request.Adapter == TraceRequest.Base || TryPlace(request.Adapter))
            {
                _waiting.Remove(node);
                _cachePagesLeft -= pages;
                _running.Add(number, (request.Adapter, pages));
                return number;
            }
        }

        return null;
    }

    /// <inheritdoc/>
    public void Leave(int number)
    {
        _running.Remove(number, out (int Adapter, int Pages) left);
        _cachePagesLeft += left.Pages;
        if (left.Adapter != TraceRequest.Base)
        {
            _users[left.Adapter]--;
        }
    }

    private bool TryPlace(int adapter)
    {
        if (_users.TryGetValue(adapter, out int users))
        {
            _placed.Remove(adapter);
            _placed.AddLast(adapter);
            _users[adapter] = users + 1;
            return true;
        }

        int[] idle = [.. _placed.Where(placed => _users[placed] == 0)];
        int needed = pagesOf(adapter);
        if (needed > _adapterPagesLeft + idle.Sum(pagesOf))
        {
            return false;
        }

        for (int i = 0; needed > _adapterPagesLeft; i++)
        {
            _placed.Remove(idle[i]);
            _users.Remove(idle[i]);
            _adapterPagesLeft += pagesOf(idle[i]);
            evicted(idle[i]);
        }

        _adapterPagesLeft -= needed;
        _placed.AddLast(adapter);
        _users.Add(adapter, 1);
        return true;
    }
}

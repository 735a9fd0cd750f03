using SLoRA.Evaluation.Workloads;

namespace SLoRA.Evaluation.Systems;

/// <summary>
/// One adapter at a time, as PEFT serves and as S-LoRA's merging baseline schedules: requests of the adapter that runs may join it; the
/// next one is that of the oldest request, when nobody runs any more. Beyond <see cref="Passed"/> older requests of other adapters nobody
/// joins.
/// </summary>
/// <param name="switched">Told the adapter that runs from now on.</param>
internal sealed class OneAdapterGate(Action<int> switched) : IGate
{
    /// <summary>Requests of other adapters that one of the running adapter may pass.</summary>
    public const int Passed = 30;

    private readonly LinkedList<(int Number, int Adapter)> _waiting = [];
    private int? _adapter;
    private int _running;

    /// <inheritdoc/>
    public void Arrive(int number, TraceRequest request) => _waiting.AddLast((number, request.Adapter));

    /// <inheritdoc/>
    public int? TryAdmit()
    {
        if (_waiting.First is not { } oldest)
        {
            return null;
        }

        if (_running == 0 && _adapter != oldest.Value.Adapter)
        {
            _adapter = oldest.Value.Adapter;
            switched(oldest.Value.Adapter);
        }

        int passed = 0;
        for (LinkedListNode<(int Number, int Adapter)>? node = oldest; node is not null && passed <= Passed; node = node.Next)
        {
            if (node.Value.Adapter == _adapter)
            {
                _waiting.Remove(node);
                _running++;
                return node.Value.Number;
            }

            passed++;
        }

        return null;
    }

    /// <inheritdoc/>
    public void Leave(int number) => _running--;
}

using SLoRA.Backends;
using SLoRA.Step;

namespace SLoRA.Evaluation.Systems;

/// <summary>
/// A device that copies the weights of a step's adapters before it, all of them one after the other, and then works as ever.
/// </summary>
internal sealed class CopyingBackend(IBackend inner) : ForwardingBackend(inner)
{
    private byte[] _page = [];

    /// <inheritdoc/>
    public override void BeginStep(StepPlan plan)
    {
        if (_page.Length < Pages.PageBytes)
        {
            _page = new byte[Pages.PageBytes];
        }

        ResidentAdapter? last = null;
        foreach (WorkChunk chunk in plan.Lora.Chunks)
        {
            if (ReferenceEquals(chunk.Adapter, last))
            {
                continue;
            }

            last = chunk.Adapter;
            foreach (int page in last.Pages)
            {
                Pages.Read(page, 0, _page);
            }
        }

        base.BeginStep(plan);
    }
}
